#!/usr/bin/env python3
"""Holds `verify` against samples of records: check_samples.py TOOL SAMPLES [TABLE]. Exits with 1 if a row does not hold."""
import json
import os
import subprocess
import sys

tool, samples = os.path.abspath(sys.argv[1]), sys.argv[2]
table = sys.argv[3] if len(sys.argv) > 3 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "samples.tsv")
failed = 0
rows = [line.rstrip("\n").split("\t") for line in open(table) if line.strip() and not line.startswith("#")]
for folder, options, code, wanted in rows:
    run = subprocess.run([tool, "verify", "--format", "json", folder, *options.split()], cwd=samples, capture_output=True)
    said = []
    try:
        said = json.loads(run.stdout)["provenance"]
    except ValueError:
        pass
    problems = [] if run.returncode == int(code) else [f"exit code {run.returncode}, not {code}"]
    if wanted == "=":
        if not said:
            problems.append("nothing was verified")
        problems += [f"{row['status']} {row['path']}" for row in said if row["status"] != "verified"]
    else:
        for item in wanted.split(","):
            status, _, end = item.partition(":")
            if not any(row["status"] == status and row["path"].endswith(end) for row in said):
                problems.append(f"no {item}")
        problems = problems and problems + [f"said {row['status']} {row['path']}: {row['detail']}" for row in said][:6]
    if problems:
        failed += 1
        print(folder, options, run.stderr.decode()[:300], *problems, sep="\n  ")
print(f"{len(rows) - failed} of {len(rows)} samples have the status they should")
sys.exit(failed > 0)
