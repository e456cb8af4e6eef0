#!/usr/bin/env bash
# A bioimage.io package with the pydantic that pip resolves.
#
# Expected: `pip install bioimageio.spec` gives a validator that loads a valid package.
# Seen with bioimageio.spec 0.5.12.0: pip resolves pydantic 2.14.4, with which a description with
# an attached file in a zip file is called invalid ("Error calling function
# package_file_descr_serializer: TypeError: 'index_key' is expected to be an integer or a string");
# with pydantic 2.12.5 the same file loads. Felt as: valid models are called broken, on every
# fresh install.
#
# Fails if the behaviour changes.
set -euo pipefail
result=()
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
cat > load.py <<'PY'
import zipfile

import pydantic
from bioimageio.spec import InvalidDescr, load_description

TEXT = """
format_version: 0.3.0
type: generic
name: empty resource
description: a resource with a file and nothing else
authors: [{name: nobody}]
license: CC0-1.0
cite: [{text: none, url: "https://example.com"}]
documentation: README.md
attachments: [{source: notes.txt}]
version: 0.1.0
"""
with zipfile.ZipFile("resource.zip", "w") as file:
    file.writestr("rdf.yaml", TEXT)
    file.writestr("README.md", "# Empty\n## Validation\nnone\n")
    file.writestr("notes.txt", "notes\n")
try:
    found = load_description("resource.zip", perform_io_checks=True)
    fault = str(found.validation_summary.errors) if isinstance(found, InvalidDescr) else ""
except Exception as error:
    fault = f"{type(error).__name__}: {error}"
where = fault.find("index_key")
print("pydantic", pydantic.VERSION, "...", fault[max(0, where - 90) : where + 90] if fault else "loads")
open("result", "w").write("fails" if "index_key" in fault else "loads" if not fault else "other")
PY

for version in 2.14.4 2.12.5; do
  "$folder/venv/bin/pip" -q install bioimageio.spec==0.5.12.0 pydantic==$version
  "$folder/venv/bin/python" load.py 2>/dev/null
  result[${#result[@]}]=$(cat result)
done
[ "${result[*]}" = "fails loads" ] || { echo "changed: ${result[*]}"; exit 1; }
echo "as stated"
