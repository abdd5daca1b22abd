/* Settings in text: files for --config, recipes, and what --print-config prints. Lines of
 * `key = value`; `#` at the start of a line or after a blank starts a comment. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "options.h"

/* Applies settings from text; `name` stands in messages with the line's number.
 * NIN_ERROR_ARGUMENT: an unknown key (the nearest one is suggested) or a wrong value. */
nin_status cli_config_apply(const char *text, const char *name, cli_settings *settings,
                            nin_error *err);

/* The same from a file of such lines, or from the config.json of a run, to do it again: with its
 * instruction set and algorithms where its settings left them to be chosen. */
nin_status cli_config_apply_file(const char *path, cli_settings *settings, nin_error *err);

/* The same from a built-in recipe. NIN_ERROR_ARGUMENT: there is none of that name. */
nin_status cli_config_apply_recipe(const char *name, cli_settings *settings, nin_error *err);

/* Prints the settings in force on the standard output, in this form. */
void cli_config_print(const cli_settings *settings);

/* Settings as a JSON object, and back. Settings that are missing keep their values; keys that no
 * setting has are an error. */
json_t *cli_config_json(const cli_settings *settings);
nin_status cli_config_apply_json(json_t *object, const char *name, cli_settings *settings,
                                 nin_error *err);

/* The settings in the text of a config.json, and all of it as JSON (freed with json_decref; NULL
 * after a failure). NIN_ERROR_DATA: it is none. */
nin_status cli_config_apply_record(const char *text, size_t size, const char *name,
                                   cli_settings *settings, json_t **record, nin_error *err);

#endif
