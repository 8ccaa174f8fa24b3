#!/usr/bin/env bash
# A production key is compromised: how a device gets the new one, and how the old one is revoked. The whole procedure on a
# key storage in a folder, in the order in which it is done on a device.
#
#   bash examples/replace-production-key.sh FOLDER      FOLDER is made; SEALIFT names the program where it is not on the path
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

say 'In the factory: keys, an image, a ROM monitor, and the key storage of a device'
for key in rollover:A production:A special:A production:B; do
  image keygen --type "${key%:*}" --key-version "${key#*:}" --out keys --algorithm ecdsa-p256 --no-passphrase \
    --cn 'Example Networks' --ou NX3900 --o 'Example Networks' >keygen.txt
done
signed() { # FILE KEY OUT TYPE VERSION
  image sign "$1" --key "keys/$2.key.pem" --cert "keys/$2.crt.pem" --product NX3900 --type "$4" --version "$5" -o "$3"
}
echo 'console.log("NX3900 1.0")' >app.js
echo 'console.log("ROM monitor 1")' >rommon.js
signed app.js production-A nx3900.SPA production 1.0
signed rommon.js production-A nx3900-rm1.SPA rommon.production 1
image store init store --rollover keys/rollover-A.crt.pem --production keys/production-A.crt.pem \
  --special keys/special-A.crt.pem
image verify nx3900.SPA --store store --product NX3900

say 'The vendor answers with a revocation image, and signs image and ROM monitor with the new key'
image revocation --new-key keys/production-B.crt.pem --key keys/rollover-A.key.pem --cert keys/rollover-A.crt.pem \
  --product NX3900 -o nx3900-rev.SRA
echo 'console.log("NX3900 1.1")' >app.js
echo 'console.log("ROM monitor 2")' >rommon.js
signed app.js production-B nx3900.SPB production 1.1
signed rommon.js production-B nx3900-rm2.SPB rommon.production 2

say 'Before the new key is there, nothing that it has signed is taken'
refused verify nx3900.SPB --store store

say '1. From the revocation image, which runs now: add the new key'
refused store add production store --from nx3900.SPA
image store add production store --from nx3900-rev.SRA

say '2. Is everything ready?'
if image store status store --running nx3900-rev.SRA --autoboot nx3900.SPA --rommon nx3900-rm1.SPA; then exit 1; fi

say '3. The new ROM monitor and the new image come to the device, and are started'
image verify nx3900-rm2.SPB nx3900.SPB --store store --product NX3900 --quiet
image store status store --running nx3900-rev.SRA --autoboot nx3900.SPB --rommon nx3900-rm2.SPB

say '4. From the new image: revoke the old key. Not while something still needs it'
refused store revoke production store --running nx3900.SPB --autoboot nx3900.SPB --rommon nx3900-rm1.SPA
image store revoke production store --running nx3900.SPB --autoboot nx3900.SPB --rommon nx3900-rm2.SPB

say 'What the old key has signed is refused from now on'
refused verify nx3900.SPA --store store
image verify nx3900.SPB --store store --quiet
image store show store
