"""The files that `hepad new` writes into a package of the user's own: the templates, and where they go."""

from hepad.templates.part import Part, plan_part, write_part

__all__ = ["Part", "plan_part", "write_part"]
