/* Memory that ends, and one that starts, where no access is allowed: reading or writing one byte
 * outside kills the test. */
#ifndef SUPPORT_GUARD_H
#define SUPPORT_GUARD_H

#include <stddef.h>

typedef enum guard_side {
    GUARD_AFTER, /* the byte behind the block is forbidden: the block starts anywhere */
    GUARD_BEFORE /* the byte before the block is forbidden: it starts on a page */
} guard_side;

/* `bytes` (at least 1) zeroed bytes between two forbidden pages. With GUARD_AFTER the block is
 * aligned as far as its size is a multiple of the wanted alignment. Fails the test when there is no
 * memory. */
void *guard_alloc(size_t bytes, guard_side side);
/* block: what guard_alloc gave; NULL does nothing. */
void guard_free(void *block);

#endif
