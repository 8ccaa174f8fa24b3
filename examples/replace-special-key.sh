#!/usr/bin/env bash
# A special (development) key is compromised: the running production image brings the new one, and revokes the old one.
# Nothing has to be started again but the ROM monitor, where it was signed with the old special key.
#
#   bash examples/replace-special-key.sh FOLDER      FOLDER is made; SEALIFT names the program where it is not on the path
set -euo pipefail
sealift=(${SEALIFT:-sealift})
mkdir "$1"
cd "$1"

say() { printf '\n# %s\n' "$*"; }
image() { "${sealift[@]}" image "$@"; }
refused() {
  if "${sealift[@]}" image "$@" >refused.txt 2>&1; then
    echo "should have been refused: sealift image $*"
    exit 1
  fi
  sed 's/^/  refused: /' refused.txt
}

say 'In the factory'
for key in rollover:A production:A special:A special:B; do
  image keygen --type "${key%:*}" --key-version "${key#*:}" --out keys --algorithm ecdsa-p256 --no-passphrase \
    --cn 'Example Networks' --ou NX3900 --o 'Example Networks' >keygen.txt
done
signed() { # FILE KEY OUT TYPE VERSION
  image sign "$1" --key "keys/$2.key.pem" --cert "keys/$2.crt.pem" --product NX3900 --type "$4" --version "$5" -o "$3"
}
echo 'console.log("NX3900 1.0")' >app.js
echo 'console.log("a fix that is not released yet")' >trial.js
echo 'console.log("ROM monitor 1")' >rommon.js
signed app.js production-A plain.SPA production 1.0
signed trial.js special-A trial.SSA special 1.0.1
signed rommon.js special-A nx3900-rm1.SSA rommon.special 1
image store init store --rollover keys/rollover-A.crt.pem --production keys/production-A.crt.pem \
  --special keys/special-A.crt.pem

say 'Every production image brings the special key that is the newest when it is built'
image bundle plain.SPA --new-key keys/special-B.crt.pem --key keys/production-A.key.pem \
  --cert keys/production-A.crt.pem -o nx3900.SPA
signed trial.js special-B trial.SSB special 1.0.2
signed rommon.js special-B nx3900-rm2.SSB rommon.special 2

say '1. From the running production image: add the new special key'
refused store add special store --from trial.SSA
image store add special store --from nx3900.SPA

say '2. The new special ROM monitor and image come to the device'
image verify nx3900-rm2.SSB trial.SSB --store store --product NX3900 --quiet

say '3. The ROM monitor that the old key has signed is replaced. Until then the key stays'
refused store revoke special store --running nx3900.SPA --autoboot nx3900.SPA --rommon nx3900-rm1.SSA

say '4. From the production image: revoke the old special key'
image store revoke special store --running nx3900.SPA --autoboot nx3900.SPA --rommon nx3900-rm2.SSB

say 'What the old key has signed is refused from now on'
refused verify trial.SSA --store store
image verify nx3900.SPA trial.SSB --store store --quiet
image store show store
