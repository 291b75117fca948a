"""stub"""
def is_folds(cfg): return False
def plan_folds(*a): raise NotImplementedError
