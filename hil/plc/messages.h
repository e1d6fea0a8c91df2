/* The two kinds of messages of the bench: JSON objects of the field cable and of the side door.

   Strict and small: one object, objects inside it, numbers, strings without escapes, true, false,
   null. As Python writes them, numbers may be NaN, Infinity and -Infinity. Anything else is refused
   as a whole. */
#ifndef RHEOSTAT_MESSAGES_H
#define RHEOSTAT_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

enum { WORD_LENGTH = 512, DEPTH_MOST = 4 };

typedef struct {
    char in[WORD_LENGTH];   /* name of the object it stands in, "" for the outermost */
    char name[WORD_LENGTH]; /* its own name */
    bool is_text, is_flag, is_nothing;
    double number; /* of a flag: 0 or 1 */
    char text[WORD_LENGTH];
} json_value;

/* Return false to refuse the message. */
typedef bool (*json_taker)(void *self, const json_value *value);

/* Give every value to `take`, in order; false when the text is no such message or was refused. */
bool json_read(const char *text, size_t length, json_taker take, void *self);

/* A text that grows in place and says when it did not fit. */
typedef struct {
    char *at;
    size_t room, used;
    bool full;
} json_text;

void json_put(json_text *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void json_number(json_text *to, const char *name, double value); /* "name":value, with a comma */
void json_flag(json_text *to, const char *name, bool value);
void json_close(json_text *to); /* takes a comma back and closes the object */

#endif
