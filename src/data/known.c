#include "data/known.h"

#include "data/reader.h"

#include <string.h>

static const char *const fashion_classes[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                              "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                              "Bag",         "Ankle boot"};

static const char *const digit_classes[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

/* Fashion-MNIST: Xiao, Rasul, Vollgraf, arXiv 1708.07747. MNIST: LeCun, Cortes, Burges. */
static const ninp_known known[] = {
    {.about = {.name = "fashion-mnist",
               .summary = "70,000 grey pictures of clothes, 28 x 28, ten classes (Zalando)",
               .class_names = fashion_classes,
               .classes = 10,
               .fetchable = true},
     .url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
     .files = {{"train-images-idx3-ubyte.gz", 47040016,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
               {"train-labels-idx1-ubyte.gz", 60008,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
               {"t10k-images-idx3-ubyte.gz", 7840016,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
               {"t10k-labels-idx1-ubyte.gz", 10008,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}}},
    {.about = {.name = "mnist",
               .summary = "70,000 grey pictures of handwritten digits, 28 x 28, ten classes",
               .class_names = digit_classes,
               .classes = 10,
               .fetchable = true},
     .url = "https://ossci-datasets.s3.amazonaws.com/mnist/",
     .files = {{"train-images-idx3-ubyte.gz", 47040016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
               {"train-labels-idx1-ubyte.gz", 60008,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
               {"t10k-images-idx3-ubyte.gz", 7840016,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
               {"t10k-labels-idx1-ubyte.gz", 10008,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}},
    {.about = {.name = "drawn",
               .summary =
                   "shapes and patterns that this program draws itself, 28 x 28, ten classes",
               .class_names = ninp_drawn_class_names,
               .classes = NINP_DRAWN_CLASSES,
               .fetchable = false}},
};

enum { KNOWN_COUNT = sizeof known / sizeof known[0] };

const nin_known_dataset *nin_dataset_known(size_t index) {
    return index < KNOWN_COUNT ? &known[index].about : NULL;
}

const ninp_known *ninp_known_find(const char *name) {
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(known[i].about.name, name) == 0) {
            return &known[i];
        }
    }
    return NULL;
}
