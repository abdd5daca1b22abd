# The built-in rows; each is understood.
"$NIN" study stability --list
"$NIN" study stability --list --only he --only steady
