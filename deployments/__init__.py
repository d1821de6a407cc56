"""Where and when the flows run: Prefect deployments, work pools and schedules."""
