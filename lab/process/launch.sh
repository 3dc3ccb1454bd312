#!/bin/sh
# launch.sh PID_FILE LOG_FILE CGROUP_PROCS_FILE… -- PROGRAM ARG…
# Joins the cgroups, notes its own id and start time, and becomes the program. It does so itself, before anything of the
# program runs, so that whoever started it may be killed at any moment and the process is still known.
set -e
pid_file=$1
log_file=$2
shift 2
while [ "$1" != -- ]; do
  echo $$ > "$1"
  shift
done
shift
read -r stat < /proc/$$/stat
start_time() { # the words after "(command) ": the 20th is starttime, field 22 of proc(5)
  shift 19
  echo "$1"
}
# shellcheck disable=SC2086
echo "$$ $(start_time ${stat##*) })" > "$pid_file.new"
mv "$pid_file.new" "$pid_file"
exec "$@" < /dev/null >> "$log_file" 2>&1
