#!/bin/sh
# A container that fills the boxes of the left atrium: nothing but busybox is in it, for trying a site out.
#
# It reads the size of each volume in its header, and writes a label map with the same header. It knows the two
# ways in which the virtual left atria lie in their files, no others: a team's program reads the affine.
set -eu
b=/bin/busybox
echo "filling boxes"
for f in /input/images/*.nii.gz; do
  id=$($b basename "$f" .nii.gz)
  $b gunzip -c "$f" | $b head -c 352 > /tmp/head
  size=$($b od -An -v -t u2 -j 42 -N 6 /tmp/head)
  {
    $b head -c 70 /tmp/head
    printf '\004\000\020\000'                  # int16, 16 bits
    $b tail -c +75 /tmp/head | $b head -c 38
    printf '\000\000\200\077\000\000\000\000'  # slope 1, intercept 0
    $b tail -c +121 /tmp/head
    # a for 0, b and c for the two bytes of 420: awk can't write zeros
    $b awk -v id="\"$id\"" -v size="$size" '
      function times(text, n,   made) { made = ""; while (n-- > 0) made = made text; return made }
      function line(slice, y,   e) {
        split(box[slice], e, " ")
        if (box[slice] == "" || y < e[2] || y >= e[4]) return none
        if (!((slice, e[1], e[3]) in kept))
          kept[slice, e[1], e[3]] = times("aa", e[1]) times("bc", e[3] - e[1]) times("aa", nx - e[3])
        return kept[slice, e[1], e[3]]
      }
      index($0, id ":") { here = 1; next }
      here && /^  }/ { here = 0 }
      here && /"420"/ {
        split($0, part, "\""); slice = part[2]
        sub(/.*"420": *\[\[/, ""); sub(/\].*/, ""); gsub(/,/, " ")
        box[slice] = $0
      }
      END {
        split(size, n, " "); nx = n[1]; none = times("aa", nx)
        if (n[2] < n[3])  # axes P, S, R
          for (r = n[3] - 1; r >= 0; r--) for (s = 0; s < n[2]; s++) printf "%s", line(s, r)
        else              # axes P, L, S
          for (s = 0; s < n[3]; s++) for (y = 0; y < n[2]; y++) printf "%s", line(s, y)
      }' /input/prompts.json | $b tr abc '\000\244\001'
  } | $b gzip -1 > "/output/${id}_pred.nii.gz"
  echo "done with one of size$size"
done
