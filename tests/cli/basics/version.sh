"$NIN" --version
