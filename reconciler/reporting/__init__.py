"""What a run and a plan are described by: values only."""
