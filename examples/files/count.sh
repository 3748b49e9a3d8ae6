#!/bin/sh
# Counts the words of all texts that came along; leaves the counts, and the longest text.
# rainbow submit --stage-in count.sh --stage-in texts --stage-out 'counts/**' -- ./count.sh
set -e
mkdir -p counts/longest
find texts -type f | sort | xargs wc -w >counts/words
longest=$(find texts -type f | sort | xargs wc -c | grep -v ' total$' | sort -rn | head -n 1 | sed 's/.* //')
cp "$longest" counts/longest/
