# The program alone says where to look.
"$NIN"
