#include <nin/train.h>

#include "base/embedded.h"

const char *nin_recipe(size_t index, const char **text) {
    for (size_t i = 0; ninp_embedded_recipes[i].name; i++) {
        if (i == index) {
            if (text) {
                *text = ninp_embedded_recipes[i].text;
            }
            return ninp_embedded_recipes[i].name;
        }
    }
    return NULL;
}
