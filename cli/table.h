/* Tables for people: cells of text in aligned columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "terminal.h"

#include <stdio.h>

typedef struct cli_table cli_table;

/* One letter a column: 'l' aligned to the left, 'r' to the right. */
cli_table *cli_table_create(const char *alignment);
void cli_table_free(cli_table *table);

/* Adds the next cell, row by row. Control characters become '?'. */
void cli_table_add(cli_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same in a style. */
void cli_table_add_styled(cli_table *table, cli_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints all rows, each after `indent` blanks, columns two blanks apart. */
void cli_table_print(const cli_table *table, FILE *stream, int indent);

#endif
