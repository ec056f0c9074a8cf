# href values of anchors on stdin, in order.
grep -Eo '<a [^>]*href="[^"]*"' | sed -e 's/.*href="//' -e 's/"$//'
