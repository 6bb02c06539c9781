"""Files that people have and give: none of them is what the option asks for, and each can be told for what it is."""

import gzip
import io
import json
import zipfile

TRACE = {"trace_id": "a", "split": "coding", "events": [{"time": "0", "event": "The user opens a terminal."}]}


def archive(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/"), text)
    return stream.getvalue()


WATCHED = {"timestamp": "2024-05-01T10:00:00+00:00", "duration": 12.3, "data": {"app": "Code", "title": "main.py"}}
BUCKETS = {"aw-watcher-window_host": {"type": "currentwindow", "client": "aw-watcher-window", "events": [WATCHED]}}
SAMPLE = {"doc_id": 0, "doc": {"question": "?"}, "target": "A", "resps": [["x"]], "filtered_resps": ["x"]}
RESULTS = {"results": {"arc_easy": {"acc,none": 0.5}}, "configs": {}, "versions": {}, "n-shot": {}, "config": {}}
PROMPTFOO = {"evalId": "eval-1", "results": {"version": 3, "results": []}, "config": {}, "shareableUrl": None}
INSPECT = {"version": 2, "status": "success", "eval": {"task": "x"}, "plan": {}, "results": {}, "stats": {}}

# name: (content, what it is called)
FOREIGN = {
    "aw-buckets-export.json": (json.dumps({"buckets": BUCKETS}, indent=2).encode(), "an ActivityWatch export"),
    "events.json": (json.dumps([WATCHED]).encode(), "ActivityWatch events"),
    "results_2024.json": (json.dumps(RESULTS, indent=2).encode(), "an lm-eval results file"),
    "samples_arc_easy.jsonl": (json.dumps(SAMPLE).encode() + b"\n", "a file of lm-eval samples"),
    "promptfoo.json": (json.dumps(PROMPTFOO, indent=2).encode(), "a promptfoo results file"),
    "inspect.json": (json.dumps(INSPECT).encode(), "an Inspect log"),
    "log.eval": (archive(**{"header.json": "{}", "samples__1.json": "{}"}), "an Inspect log (.eval)"),
    "array.json": (json.dumps([TRACE]).encode(), "one JSON array (traces)"),
    "indented.json": (json.dumps(TRACE, indent=2).encode(), "JSON over several lines (traces)"),
    "table.csv": (b"trace_id,time,event\na,0,opens\na,1,types\n", "a CSV table"),
    "table.tsv": (b"trace_id\ttime\tevent\na\t0\topens\n", "a TSV table"),
    "rows.parquet": (b"PAR1" + bytes(20) + b"PAR1", "a Parquet file"),
    "watcher.db": (b"SQLite format 3\0" + bytes(100), "an SQLite database"),
    "release.zip": (archive(**{"traces.jsonl": json.dumps(TRACE)}), "a zip archive"),
    "table.xlsx": (archive(**{"[Content_Types].xml": "<x/>"}), "a workbook or document of an office program"),
    "traces.jsonl.xz": (b"\xfd7zXZ\0" + bytes(20), "an xz file"),
    "utf16.jsonl": (json.dumps(TRACE).encode("utf-16"), "UTF-16 text"),
    "page.jsonl": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "an HTML page"),
    "lfs.jsonl": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
    "random.bin": (bytes(range(256)) * 3, "a binary file"),
    "torn.jsonl.gz": (gzip.compress(json.dumps([TRACE] * 50).encode())[:-20], "a gzip file that is cut off or damaged"),
}
