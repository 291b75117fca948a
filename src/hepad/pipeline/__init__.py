"""Many runs from one command: pipelines of stages, sweeps with their summary, the search by Optuna."""
