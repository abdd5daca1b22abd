# Shapes for a batch of another size.
"$NIN" summary lenet --batch 32 | head -n 1
