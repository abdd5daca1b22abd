/* Trains LeNet on pictures that the library draws itself, for two epochs, and saves the model. */
#include <nin/nin.h>

#include <stdio.h>

int main(int argc, char **argv) {
    nin_error err = {0};
    nin_model model = {.preprocess = nin_preprocess_plain(1, 28, 28)};
    nin_dataset *train = NULL;
    nin_dataset_options data = nin_dataset_options_defaults();
    nin_train_options options = nin_train_options_defaults();
    nin_train_result result;
    options.epochs = 2;
    options.momentum = 0.9F;

    if (nin_net_open("lenet", NULL, &model.net, &err) == NIN_OK &&
        nin_dataset_open("drawn", &data, &train, &err) == NIN_OK &&
        nin_train(&(nin_train_task){.model = &model,
                                    .train = train,
                                    .options = &options,
                                    .directory = argc > 1 ? argv[1] : "run"},
                  &result, &err) == NIN_OK) {
        printf("loss %.3f, train acc %.3f\n", result.last.train_loss, result.last.train_accuracy);
    }
    nin_dataset_free(train);
    nin_model_free(&model);
    if (err.status != NIN_OK) {
        fprintf(stderr, "train: %s\n", err.message);
    }
    return err.status != NIN_OK;
}
