#!/bin/sh
# Records the cache of classes with which the image starts (JEP 483, 514): starts the service as it lies in the image, stops it when
# everything is put together, and lets the JVM write down what it has loaded. Run while the image is built.
#
#     record-classes.sh RUNTIME JAR CACHE COMPLETE_JAR
#
# RUNTIME and JAR are at the paths where they are in the image, and unchanged after this: the JVM compares paths, sizes and times with what
# it finds when it uses the cache. A service needs a database, and the build of an image has none. COMPLETE_JAR, which packs one, runs beside
# it for that.
set -eu
runtime=$1 jar=$2 cache=$3 complete_jar=$4

scratch=$(mktemp -d)
LOCKKEEPER_DATA_DIR=$scratch/data java -jar "$complete_jar" --server.port=0 --server.address=127.0.0.1 >"$scratch/log" 2>&1 &
database=$!
trap 'kill $database; wait $database || true; rm -rf "$scratch"' EXIT
until grep -q 'Lockkeeper is ready' "$scratch/log"; do
    kill -0 $database || { cat "$scratch/log" >&2 && exit 1; }
    sleep 0.2
done

LOCKKEEPER_DATABASE_URL=postgresql://postgres@127.0.0.1:$(sed -n 4p "$scratch/data/postgres/postmaster.pid")/postgres \
    LOCKKEEPER_DATABASE_PASSWORD=$(cat "$scratch/data/postgres-password") \
    LOCKKEEPER_ADMIN_TOKEN=only-while-the-image-is-built \
    "$runtime/bin/java" -XX:AOTCacheOutput="$cache" -Xlog:aot=error -Dspring.context.exit=onRefresh -jar "$jar"
