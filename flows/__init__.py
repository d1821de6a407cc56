"""What comes next: the order of the stages, and the command line that starts them."""
