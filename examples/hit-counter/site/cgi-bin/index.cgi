#!/bin/sh
# GET /hit/?id=NAME          counts one view and answers with a badge (SVG)
# GET /hit/?id=NAME&as=text  the same, with the number alone
# httpd runs this for a folder without an index.html, which /hit/ is, and sends
# /hit?… there.
# One file a page in /data, one byte a view. A page is named by 1 to 64 of
# [A-Za-z0-9._-], not starting with a dot, so that no name leaves the folder.
data=${DATA:-/data}
max_pages=10000

answer() { # STATUS TYPE BODY
    printf 'Status: %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n\r\n%s\n' "$1" "$2" "$3"
    exit
}
refuse() { answer "$1" text/plain "$2"; }

id='' as=svg
IFS='&'
set -f
for pair in $QUERY_STRING; do
    case $pair in
    id=*) id=${pair#id=} ;;
    as=text) as=text ;;
    esac
done
unset IFS

case $REQUEST_URI in
'/hit/?'* | /hit/) ;;
*) refuse '404 Not Found' 'the counter is at /hit/?id=NAME' ;;
esac
case $REQUEST_METHOD in
GET) ;;
*) refuse '405 Method Not Allowed' 'only GET counts' ;;
esac
case $id in
'' | .* | *[!A-Za-z0-9._-]*) refuse '400 Bad Request' 'id: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot' ;;
esac
[ "${#id}" -le 64 ] || refuse '400 Bad Request' 'id: longer than 64'

file=$data/$id
if ! [ -e "$file" ] && [ "$(find "$data" -type f | wc -l)" -ge "$max_pages" ]; then
    refuse '507 Insufficient Storage' 'too many pages'
fi
# The kernel puts each appended byte after the last, however many requests
# come at once: no lock to wait for, none to be left behind by a crash.
printf . >>"$file" || refuse '500 Internal Server Error' 'the view could not be written'
count=$(wc -c <"$file")

[ "$as" = svg ] || answer '200 OK' text/plain "$count"
right=$((14 + 7 * ${#count}))
width=$((40 + right))
answer '200 OK' image/svg+xml "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"$width\" height=\"20\" role=\"img\" aria-label=\"views: $count\"><rect width=\"40\" height=\"20\" fill=\"#444\"/><rect x=\"40\" width=\"$right\" height=\"20\" fill=\"#07c\"/><g fill=\"#fff\" font-family=\"Verdana,sans-serif\" font-size=\"11\" text-anchor=\"middle\"><text x=\"20\" y=\"14\">views</text><text x=\"$((40 + right / 2))\" y=\"14\">$count</text></g></svg>"
