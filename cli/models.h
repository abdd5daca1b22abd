/* Nets and models as commands name them. These print why they fail and give the exit code. */
#ifndef CLI_MODELS_H
#define CLI_MODELS_H

#include <nin/nin.h>

/* Reads a model from a .safetensors file. Its class names are made fit to print. */
int cli_model_load(const char *path, nin_model *model);

/* A net by name, from a .net file, or that of a .safetensors file. */
int cli_net_open(const char *name, const nin_net_options *options, nin_net **out);

/* Names the model's classes as the data does, those that it has none for by their numbers. */
void cli_name_classes(nin_model *model, const nin_dataset_info *info, int classes);

/* The model's name of a class, or its number as text in `number`. */
const char *cli_class_name(const nin_model *model, int index, char number[12]);

/* How a shape is written: "96x54x54", "10". */
typedef struct cli_shape_text {
    char text[40];
} cli_shape_text;
cli_shape_text cli_shape(nin_shape shape);

#endif
