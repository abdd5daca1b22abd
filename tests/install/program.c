/* The smallest program that uses the installed library. */
#include <nin/base.h>
#include <stdio.h>

int main(void) {
    printf("nin %s: %s\n", nin_version(), nin_status_text(NIN_OK));
    return 0;
}
