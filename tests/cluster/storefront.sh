#!/bin/sh
# A small web shop, the application of the test cluster.
#   --port N          listen there (8080)
#   --cache-mib N     keep a product cache of about N MiB in memory (0)
#   --warm-up S       answer /healthz only after S seconds (0)
#   --need NAME       refuse to start without that environment variable; may be repeated
port=8080 cache_mib=0 warm_up=0
while [ $# -gt 0 ]; do
	case $1 in
	--*=*) flag=${1%%=*} value=${1#*=} ;;
	*) flag=$1 value=${2-} && [ $# -gt 1 ] && shift ;;
	esac
	shift
	case $flag in
	--port) port=$value ;;
	--cache-mib) cache_mib=$value ;;
	--warm-up) warm_up=$value ;;
	--need)
		# Not every busybox has printenv.
		if ! env | grep -q "^$value="; then
			echo "storefront: fatal: environment variable $value is not set" >&2
			exit 1
		fi
		;;
	*)
		echo "storefront: flag provided but not defined: $flag" >&2
		echo "usage: storefront [--port N] [--cache-mib N] [--warm-up S] [--need NAME]" >&2
		exit 1
		;;
	esac
done
echo "storefront $STOREFRONT_VERSION starting"
mkdir -p /tmp/site
echo "storefront $STOREFRONT_VERSION" >/tmp/site/index.html
httpd -f -p "$port" -h /tmp/site &
server=$!
trap 'kill $server; exit 0' TERM INT
if [ "$cache_mib" -gt 0 ]; then
	echo "filling the product cache"
	cache=$(dd if=/dev/zero bs=1M count="$cache_mib" 2>/dev/null | tr '\0' p)
	echo "product cache ready: ${#cache} bytes"
fi
sleep "$warm_up" &
wait $!
echo ok >/tmp/site/healthz
echo "listening on :$port"
wait $server
echo "storefront: web server ended with status $?" >&2
exit 1
