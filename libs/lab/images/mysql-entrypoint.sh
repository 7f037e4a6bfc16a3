#!/bin/sh
# What the entry point of the image `mysql` does, with Debian's MariaDB: makes the databases in an empty folder, as MYSQL_* say,
# then becomes the server. https://hub.docker.com/_/mysql
set -eu

data=/var/lib/mysql
# There from before the first file of the databases until they are whole: a container that was killed in between begins again, with
# nothing of what was made, for the user's files need not bear to be run twice. Empty until all of these were read.
unfinished=$data/.unfinished

# echo, without the backslashes of some shells.
say() {
  printf '%s\n' "$*"
}

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# What VARIABLE says, or the file that VARIABLE_FILE names.
setting() {
  eval "value=\${$1-} file=\${$1_FILE-}"
  if [ -z "$file" ]; then
    printf %s "$value"
    return
  fi
  [ -z "$value" ] || fail "error: both $1 and $1_FILE are set (but are exclusive)"
  cat "$file"
}

quoted() {
  printf "'%s'" "$(printf %s "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g")"
}

# A name of a database or of a table, between backquotes.
named() {
  printf '`%s`' "$(printf %s "$1" | sed 's/`/``/g')"
}

accounts() {
  root=$(quoted "$1")
  say 'FLUSH PRIVILEGES;'
  say "ALTER USER 'root'@'localhost' IDENTIFIED BY $root;"
  host=$(setting MYSQL_ROOT_HOST)
  host=${host:-%}
  if [ "$host" != localhost ]; then
    say "CREATE USER IF NOT EXISTS 'root'@$(quoted "$host") IDENTIFIED BY $root;"
    say "GRANT ALL ON *.* TO 'root'@$(quoted "$host") WITH GRANT OPTION;"
  fi
  database=$(setting MYSQL_DATABASE) user=$(setting MYSQL_USER) password=$(setting MYSQL_PASSWORD)
  [ -z "$database" ] || say "CREATE DATABASE IF NOT EXISTS $(named "$database");"
  if [ -n "$user" ] && [ -n "$password" ]; then
    say "CREATE USER IF NOT EXISTS $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$password");"
    [ -z "$database" ] || say "GRANT ALL ON $(named "$database").* TO $(quoted "$user")@'%';"
  fi
}

# Files of the user, in the order of their names.
scripts() {
  [ -z "$1" ] || say "USE $(named "$1");"
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sql) cat "$file" ;;
      *.sql.gz) gunzip -c "$file" ;;
      '/docker-entrypoint-initdb.d/*') ;;
      *) say "ignoring $file: only .sql and .sql.gz are run here" >&2 ;;
    esac
    echo
  done
}

# What is in the folder but for hidden files and what file systems themselves have: `find` with these actions.
contents() {
  find $data -mindepth 1 -maxdepth 1 ! -name '.*' ! -name lost+found "$@"
}

make_databases() {
  password=$(setting MYSQL_ROOT_PASSWORD)
  if [ -z "$password" ] && [ -n "${MYSQL_RANDOM_ROOT_PASSWORD-}" ]; then
    password=$(tr -dc A-Za-z0-9 </dev/urandom | head -c 32)
    say "GENERATED ROOT PASSWORD: $password"
  fi
  if [ -z "$password" ] && [ -z "${MYSQL_ALLOW_EMPTY_PASSWORD-}" ]; then
    fail 'error: database is uninitialized and password option is not specified ' \
      '  You need to specify one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD and MYSQL_RANDOM_ROOT_PASSWORD'
  fi
  if [ -e "$unfinished" ]; then
    contents -exec rm -rf {} +
  elif [ -n "$(contents)" ]; then
    fail "error: --initialize specified but the data directory has files in it. Aborting."
  fi
  : >"$unfinished"
  say 'Initializing database'
  mariadb-install-db --user=mysql --datadir=$data --skip-test-db --auth-root-authentication-method=normal >/dev/null
  {
    accounts "$password"
    scripts "$(setting MYSQL_DATABASE)"
    say read >"$unfinished"
  } | mysqld --user=mysql --datadir=$data --bootstrap
  [ -s "$unfinished" ] || fail 'error: not all of /docker-entrypoint-initdb.d could be read'
  rm "$unfinished"
  say 'Database initialized'
}

[ "${1#-}" = "$1" ] || set -- mysqld "$@"
if [ "$1" = mysqld ]; then
  shift
  mkdir -p $data /run/mysqld
  chown -R mysql:mysql $data /run/mysqld
  if [ ! -d $data/mysql ] || [ -e $unfinished ]; then make_databases; fi
  set -- mysqld --user=mysql --datadir=$data --socket=/run/mysqld/mysqld.sock --bind-address=0.0.0.0 --skip-name-resolve "$@"
fi
exec "$@"
