# The lecture's list, as Python prints it.
"$NIN" summary nin
