#!/usr/bin/env bash
# A private MariaDB server on loopback, for tests: nothing outside its folder is touched and no system service is used.
#
#   scripts/mariadb.sh up DIR [PORT]   make the server in DIR if it is not there, start it, wait until it answers
#   scripts/mariadb.sh dsn DIR         print its address for HENGDAI_TEST_MYSQL_DSN
#   scripts/mariadb.sh status DIR      say whether it runs; exit code 0 if it does
#   scripts/mariadb.sh down DIR        stop it
#   scripts/mariadb.sh drop DIR        stop it and remove DIR
#
# If mariadb-server is missing and apt-get may be used (root, or sudo without a password), up installs it.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
die() { say "mariadb.sh: $*"; exit 1; }

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }

[ $# -ge 2 ] || usage
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
port_wanted=${3:-}
data=$dir/data
# The path of a socket may not be longer than 107 bytes.
socket=$dir/s.sock
if [ ${#socket} -gt 100 ]; then socket=/tmp/hd-mariadb-$(printf '%s' "$dir" | cksum | cut -d' ' -f1).sock; fi

find_tool() { # the first of several names that exists, also where Debian hides servers
  local name
  for name in "$@"; do
    PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec" command -v "$name" && return 0
  done
  return 1
}

install_server() {
  local apt=(apt-get)
  command -v apt-get >/dev/null || die "NOT INSTALLED: mariadb-server is missing and there is no apt-get here. Install MariaDB 10.11 or later and run again."
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || die "NOT INSTALLED: mariadb-server is missing and this user may not install packages. Run: sudo apt-get install mariadb-server"
    apt=(sudo -n apt-get)
  fi
  say "mariadb.sh: installing mariadb-server"
  # The package must not start a system-wide server.
  if ! DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends mariadb-server >"$dir/apt.log" 2>&1; then
    DEBIAN_FRONTEND=noninteractive "${apt[@]}" update >>"$dir/apt.log" 2>&1 || true
    DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends mariadb-server >>"$dir/apt.log" 2>&1 ||
      { tail -5 "$dir/apt.log" >&2; die "NOT INSTALLED: apt-get could not install mariadb-server; its words are in $dir/apt.log"; }
  fi
}

alive() { # by process, and it must answer
  [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null && "$admin" --no-defaults -uroot -S "$socket" ping >/dev/null 2>&1
}

free_port() { # a port nobody listens on, looked for from a place that depends on the folder
  local start p
  start=$((23306 + $(printf '%s' "$dir" | cksum | cut -d' ' -f1) % 2000))
  for p in $(seq "$start" $((start + 200))); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then echo "$p"; return; fi
  done
  die "no free port between $start and $((start + 200))"
}

admin=$(find_tool mariadb-admin mysqladmin || true)

up() {
  if [ -z "$admin" ] || ! find_tool mariadbd mysqld >/dev/null; then
    install_server
    admin=$(find_tool mariadb-admin mysqladmin) || die "mariadb-admin is still missing after the installation"
  fi
  if alive; then say "already running"; return; fi
  local server user port installer
  server=$(find_tool mariadbd mysqld) || die "mariadbd is still missing after the installation"
  user=$(id -un)
  if [ ! -d "$data/mysql" ]; then
    installer=$(find_tool mariadb-install-db mysql_install_db) || die "mariadb-install-db is missing"
    rm -rf "$data"
    "$installer" --no-defaults --user="$user" --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >"$dir/install.log" 2>&1 ||
      { tail -5 "$dir/install.log" >&2; die "the data folder could not be made; see $dir/install.log"; }
  fi
  port=${port_wanted:-$(free_port)}
  echo "$port" >"$dir/port"
  nohup "$server" --no-defaults --user="$user" --datadir="$data" --socket="$socket" --pid-file="$dir/pid" --port="$port" \
    --bind-address=127.0.0.1 --skip-name-resolve --skip-log-bin --character-set-server=utf8mb4 --collation-server=utf8mb4_bin \
    --innodb-buffer-pool-size=256M --innodb-log-file-size=128M --max-connections=500 >"$dir/server.log" 2>&1 </dev/null &
  local child=$!
  for _ in $(seq 1 300); do
    alive && { say "MariaDB runs on 127.0.0.1:$port in $dir"; return; }
    kill -0 "$child" 2>/dev/null || { grep -E 'ERROR' "$dir/server.log" | tail -5 >&2 || true; die "the server ended at once; see $dir/server.log"; }
    sleep 0.1
  done
  die "the server did not answer within 30 s; see $dir/server.log"
}

down() {
  if [ -n "$admin" ] && alive; then
    "$admin" --no-defaults -uroot -S "$socket" shutdown
    say "stopped"
  else
    say "not running"
  fi
}

case $command in
up) up ;;
dsn)
  [ -n "$admin" ] && alive || die "the server in $dir does not run: scripts/mariadb.sh up $dir"
  echo "root@tcp(127.0.0.1:$(cat "$dir/port"))/"
  ;;
status)
  if [ -n "$admin" ] && alive; then echo "running on 127.0.0.1:$(cat "$dir/port")"; else echo "not running"; exit 1; fi
  ;;
down) down ;;
drop) down; rm -rf "$dir" ;;
*) usage ;;
esac
