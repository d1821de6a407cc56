"""What happens when a stage fails or is run again: one Prefect task a stage, policy only.

The run store is the only cache (docs/decisions/0002-one-cache.md): a task asks it first, and reports a hit to Prefect
as the state *Cached*. A task says three things: what may be retried, what the page shows, how the run is named.
"""
