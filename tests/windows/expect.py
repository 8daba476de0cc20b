"""expect.py REPORT.json: the report of the demo's first `sync` says what the README promises."""
import json, sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
wanted = {"outcome": "ok", "provisioned": 50, "waiting": 10}
found = {"outcome": report["outcome"], **{name: report["changes"][name] for name in ("provisioned", "waiting")}}
if found != wanted:
    sys.exit(f"expected {wanted}, found {found}")
print(f"the Windows program: {found}")
