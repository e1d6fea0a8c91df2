#include "messages.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *at, *end;
    json_taker take;
    void *self;
} reader;

static char peek(reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0')
        r->at++;
    return r->at < r->end ? *r->at : '\0';
}

static bool accept(reader *r, char wanted)
{
    if (peek(r) != wanted)
        return false;
    r->at++;
    return true;
}

static bool word(reader *r, const char *wanted)
{
    const size_t length = strlen(wanted);
    if ((size_t)(r->end - r->at) < length || strncmp(r->at, wanted, length) != 0)
        return false;
    r->at += length;
    return true;
}

static bool string(reader *r, char into[WORD_LENGTH])
{
    if (!accept(r, '"'))
        return false;
    size_t used = 0;
    while (r->at < r->end && *r->at != '"') {
        if (*r->at == '\\' || (unsigned char)*r->at < 0x20 || used + 1 >= WORD_LENGTH)
            return false;
        into[used++] = *r->at++;
    }
    into[used] = '\0';
    return r->at < r->end && *r->at++ == '"';
}

static bool number(reader *r, double *value)
{
    char text[64];
    size_t used = 0;
    if (word(r, "NaN")) {
        *value = (double)NAN;
        return true;
    }
    const bool negative = r->at < r->end && *r->at == '-';
    if (word(r, "Infinity") || word(r, "-Infinity")) {
        *value = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    while (r->at < r->end && strchr("+-.0123456789eE", *r->at) != NULL && *r->at != '\0') {
        if (used + 1 >= sizeof text)
            return false;
        text[used++] = *r->at++;
    }
    text[used] = '\0';
    char *stopped = text;
    *value = strtod(text, &stopped);
    return used > 0 && *stopped == '\0' && text[used - 1] >= '0' && text[used - 1] <= '9';
}

static bool object(reader *r, const char *name, int depth);

static bool value(reader *r, json_value *v)
{
    v->is_text = v->is_flag = v->is_nothing = false;
    v->number = 0.0;
    v->text[0] = '\0';
    switch (peek(r)) {
    case '"':
        v->is_text = true;
        return string(r, v->text);
    case 't':
        v->is_flag = true;
        v->number = 1.0;
        return word(r, "true");
    case 'f':
        v->is_flag = true;
        return word(r, "false");
    case 'n':
        v->is_nothing = true;
        return word(r, "null");
    default:
        return number(r, &v->number);
    }
}

static bool object(reader *r, const char *name, int depth)
{
    json_value v;
    if (depth > DEPTH_MOST || !accept(r, '{'))
        return false;
    if (accept(r, '}'))
        return true;
    snprintf(v.in, sizeof v.in, "%s", name);
    do {
        peek(r);
        if (!string(r, v.name) || !accept(r, ':'))
            return false;
        if (peek(r) == '{') {
            if (!object(r, v.name, depth + 1))
                return false;
        } else if (!value(r, &v) || !r->take(r->self, &v)) {
            return false;
        }
    } while (accept(r, ','));
    return accept(r, '}');
}

bool json_read(const char *text, size_t length, json_taker take, void *self)
{
    reader r = {text, text + length, take, self};
    return object(&r, "", 1) && peek(&r) == '\0' && r.at == r.end;
}

void json_put(json_text *to, const char *format, ...)
{
    va_list given;
    va_start(given, format);
    const int length = vsnprintf(to->at + to->used, to->room - to->used, format, given);
    va_end(given);
    if (length < 0 || (size_t)length >= to->room - to->used)
        to->full = true;
    else
        to->used += (size_t)length;
}

void json_number(json_text *to, const char *name, double value)
{
    if (isnan(value))
        json_put(to, "\"%s\":NaN,", name);
    else if (isinf(value))
        json_put(to, "\"%s\":%sInfinity,", name, value < 0.0 ? "-" : "");
    else
        json_put(to, "\"%s\":%.17g,", name, value);
}

void json_flag(json_text *to, const char *name, bool value)
{
    json_put(to, "\"%s\":%s,", name, value ? "true" : "false");
}

void json_close(json_text *to)
{
    if (to->used > 0 && to->at[to->used - 1] == ',')
        to->used--;
    json_put(to, "}");
}
