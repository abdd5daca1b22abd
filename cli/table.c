#include "table.h"

#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct cell {
    char *text;
    cli_style style;
} cell;

struct cli_table {
    char *alignment;
    size_t columns;
    cell *cells;
    size_t count, capacity;
};

cli_table *cli_table_create(const char *alignment) {
    cli_table *table = cli_allocate(1, sizeof *table);
    table->alignment = cli_copy(alignment);
    table->columns = strlen(alignment);
    return table;
}

void cli_table_free(cli_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i].text);
    }
    free(table->cells);
    free(table->alignment);
    free(table);
}

/* Takes the text over. */
static void add(cli_table *table, cli_style style, char *text) {
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 32;
        cell *cells = cli_allocate(capacity, sizeof *cells);
        if (table->count) {
            memcpy(cells, table->cells, table->count * sizeof *cells);
        }
        free(table->cells);
        table->cells = cells;
        table->capacity = capacity;
    }
    table->cells[table->count++] = (cell){cli_make_printable(text), style};
}

void cli_table_add(cli_table *table, const char *format, ...) {
    va_list list;
    va_start(list, format);
    add(table, CLI_PLAIN, cli_format_list(format, list));
    va_end(list);
}

void cli_table_add_styled(cli_table *table, cli_style style, const char *format, ...) {
    va_list list;
    va_start(list, format);
    add(table, style, cli_format_list(format, list));
    va_end(list);
}

static int column_width(const cli_table *table, size_t column) {
    int width = 0;
    for (size_t i = column; i < table->count; i += table->columns) {
        int columns = cli_columns(table->cells[i].text);
        width = columns > width ? columns : width;
    }
    return width;
}

/* No blanks behind the last cell that is not empty. */
static bool rest_is_empty(const cli_table *table, size_t row, size_t column) {
    for (size_t c = column; c < table->columns && row * table->columns + c < table->count; c++) {
        if (table->cells[row * table->columns + c].text[0]) {
            return false;
        }
    }
    return true;
}

static void print_row(const cli_table *table, size_t row, const int *widths, FILE *stream) {
    for (size_t c = 0; c < table->columns && !rest_is_empty(table, row, c); c++) {
        const cell *here = &table->cells[row * table->columns + c];
        int blanks = widths[c] - cli_columns(here->text);
        bool right = table->alignment[c] == 'r';
        bool last = rest_is_empty(table, row, c + 1);
        fprintf(stream, "%s%*s%s%s%s%*s", c > 0 ? "  " : "", right ? blanks : 0, "",
                cli_style_start(stream, here->style), here->text,
                cli_style_end(stream, here->style), right || last ? 0 : blanks, "");
    }
    fputc('\n', stream);
}

void cli_table_print(const cli_table *table, FILE *stream, int indent) {
    int *widths = cli_allocate(table->columns, sizeof *widths);
    for (size_t c = 0; c < table->columns; c++) {
        widths[c] = column_width(table, c);
    }
    for (size_t row = 0; row * table->columns < table->count; row++) {
        fprintf(stream, "%*s", indent, "");
        print_row(table, row, widths, stream);
    }
    free(widths);
}
