"""Print the installed versions of everything hepad needs, as a pip constraints file.

Local version labels (`+cpu`) are dropped, so that the file holds for every build of a release.
"""

import importlib.metadata

TOOLS_OF_THE_ENVIRONMENT = {"hepad", "pip", "setuptools", "wheel"}


def main() -> None:
    """Print one `name==version` line per distribution."""
    versions = {
        dist.metadata["Name"].lower().replace("_", "-"): dist.version.split("+")[0]
        for dist in importlib.metadata.distributions()
    }
    print("# Versions that hepad is tested with. Written by `make lock`; `make` installs exactly these.")
    for name in sorted(set(versions) - TOOLS_OF_THE_ENVIRONMENT):
        print(f"{name}=={versions[name]}")


if __name__ == "__main__":
    main()
