"""Run by the Python of an empty environment: loads Airflow's plugins, and tells what that did to the process."""

import json
import os
import sys
import time

MAIN = sys.modules["__main__"]
#: Audit events of what a plugin has no business to do while it is loaded.
ACTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system", "socket.connect")
acts = []


def watch(event, args):
    """Note processes, connections, and files that are opened to be written."""
    written = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if loading and (event in ACTS or event in ("os.mkdir", "os.rename", "os.remove") or written):
        acts.append(f"{event} {args[:1]}")


loading = False
sys.addaudithook(watch)
# Their own import runs the program `file` and opens /dev/null.
import croniter  # noqa: E402, F401
import dill  # noqa: E402, F401
from airflow import plugins_manager  # noqa: E402

known = set(sys.modules)
origins = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
loading = True
began = time.process_time()
plugins_manager.ensure_plugins_loaded()
seconds = time.process_time() - began
loading = False

if hasattr(plugins_manager, "_get_plugins"):
    plugins, errors = plugins_manager._get_plugins()
else:
    plugins, errors = plugins_manager.plugins, plugins_manager.import_errors
brought = set(sys.modules) - known
print(
    json.dumps(
        {
            "ours": [str(one.source) for one in plugins if one.name == "ses_ops"],
            "names": [one.name for one in plugins],
            "errors": errors,
            "acts": acts,
            "main": sys.modules["__main__"] is MAIN,
            "replaced": [
                name for name, file in origins.items() if getattr(sys.modules.get(name), "__file__", None) != file
            ],
            "bare": [
                name
                for name, module in sys.modules.items()
                if "/ses_ops/" in (getattr(module, "__file__", None) or "") and name.split(".")[0] != "ses_ops"
            ],
            "modules": sorted(brought),
            "package": getattr(sys.modules.get("ses_ops"), "__file__", None),
            "seconds": seconds,
        }
    )
)
