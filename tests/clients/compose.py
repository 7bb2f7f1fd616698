#!/usr/bin/env python3
"""Reads deploy/compose.yaml as a parser of YAML does, and looks at what it refers to; no engine to run it is needed.

    compose.py --folder deploy --program dragoman

Ends with 1 and a line for each fault: a service, a secret, a volume or a network that is named and not declared, a file
that is not there, a condition that cannot come true, or secrets of `make-secrets` that the program does not take. Needs
`PyYAML` from PyPI.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import yaml


def named(entry, key):
    """What an entry of a list refers to, in its short form or its long one."""
    return entry.split(":")[0] if isinstance(entry, str) else entry[key]


def faults_of(service, name, compose):
    """What one service refers to in vain."""
    for other, needed in service.get("depends_on", {}).items():
        target = compose["services"].get(other)
        if target is None:
            yield f"{name} waits for {other}, which is no service"
            continue
        is_job = target.get("restart") == "on-failure"
        health = target.get("healthcheck", {})
        # Servers of ours have theirs from the image.
        has_health = "test" in health or (target["image"].startswith("dragoman:") and not health.get("disable"))
        condition = needed["condition"]
        if (condition == "service_completed_successfully") != is_job or (condition == "service_healthy" and not has_health):
            yield f"{name} waits in vain until {other} says {condition}"
    for kind, key in (("secrets", "source"), ("networks", "name")):
        for entry in service.get(kind, []):
            if named(entry, key) not in compose[kind]:
                yield f"{name} has {named(entry, key)}, which is none of the {kind}"
    for entry in service.get("volumes", []):
        source = named(entry, "source")
        if not source.startswith(".") and source not in compose["volumes"]:
            yield f"{name} has {source}, which is none of the volumes"


def faults(compose, folder, made):
    """All that is wrong with it; `made` are the files of make-secrets."""
    for name, service in compose["services"].items():
        if ":" not in service.get("image", ""):
            yield f"{name} has no image with a tag"
        yield from faults_of(service, name, compose)
        for entry in service.get("volumes", []):
            source = named(entry, "source")
            if source.startswith(".") and not (folder / source).is_file():
                yield f"{name} has {source}, which is not there"
    files = {pathlib.PurePath(secret["file"]).name for secret in compose["secrets"].values()}
    if files != made:
        yield f"make-secrets makes {sorted(made)}, and {sorted(files)} are asked for"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--folder", type=pathlib.Path, required=True)
    options.add_argument("--program", required=True)
    asked = options.parse_args()
    compose = yaml.safe_load((asked.folder / "compose.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        secrets = pathlib.Path(scratch) / "secrets"
        subprocess.run([asked.folder / "make-secrets", secrets], check=True, stdout=subprocess.DEVNULL)
        found = list(faults(compose, asked.folder, {file.name for file in secrets.iterdir()}))
        subprocess.run([asked.program, "config", "check", secrets / "dragoman.toml"], check=True, stdout=subprocess.DEVNULL)
    # A copy with a slip is caught.
    compose["services"]["worker"]["networks"] = ["nowhere"]
    if not list(faults_of(compose["services"]["worker"], "worker", compose)):
        found.append("a network that is none would go unnoticed")
    print("\n".join(found) or f"{len(compose['services'])} services, and all that they refer to is there")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
