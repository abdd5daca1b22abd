# A command that is not there is a mistake in usage; the nearest one is suggested.
"$NIN" trian
