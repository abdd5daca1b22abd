#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* [page with the size of the mapping][forbidden page][pages of the block][forbidden page] */
static size_t page_bytes(void) {
    long bytes = sysconf(_SC_PAGESIZE);
    return bytes > 0 ? (size_t)bytes : 4096;
}

void *guard_alloc(size_t bytes, guard_side side) {
    const size_t page = page_bytes();
    const size_t inside = (bytes + page - 1) / page * page;
    const size_t total = inside + 3 * page;
    assert_true(bytes > 0);
    unsigned char *start =
        mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(start != MAP_FAILED);
    memcpy(start, &total, sizeof total);
    assert_int_equal(mprotect(start + page, page, PROT_NONE), 0);
    assert_int_equal(mprotect(start + 2 * page + inside, page, PROT_NONE), 0);
    return start + 2 * page + (side == GUARD_AFTER ? inside - bytes : 0);
}

void guard_free(void *block) {
    if (!block) {
        return;
    }
    const size_t page = page_bytes();
    unsigned char *start = (unsigned char *)block - (uintptr_t)block % page - 2 * page;
    size_t total;
    memcpy(&total, start, sizeof total);
    assert_int_equal(munmap(start, total), 0);
}
