#!/bin/sh
# A gate in CI: the agent as it is now must not be worse than the report that was accepted.
# Exit 0 passes, 1 is a regression, 2 and above mean that the gate could not be put up.
#
# sh examples/ci_gate.sh my_agent.py:agent baseline/report.json
set -eu
agent=$1 baseline=$2
pb=${PROACTIVEBENCH:-proactivebench} # the command
tasks=${TASKS:-proactivebench_sample} run=${RUN:-runs/candidate}

$pb run --model "$agent" --tasks "$tasks" --output_path "$run"
if [ ! -e "$baseline" ]; then # the first time: what is measured now is what later changes are held against
    mkdir -p "$(dirname "$baseline")"
    cp "$run/report.json" "$baseline"
fi
$pb gate "$baseline" "$run" --metric need_detection_balanced_accuracy --max_drop 0.05
