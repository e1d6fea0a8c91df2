/* A Modbus device by libmodbus, which shares no line with our client's library: TCP or RTU.
 *
 *     cc modbus_libmodbus.c $(pkg-config --cflags --libs libmodbus) -o modbus_libmodbus
 *     ./modbus_libmodbus tcp 5020          ./modbus_libmodbus rtu /dev/pts/3
 *
 * Holding registers 0 to 199 and the same image as input registers; unit 1. It obeys lines on its
 * standard input (set REGISTER WORD.., get REGISTER COUNT, zero, late MILLISECONDS, log) with one
 * JSON line each, and ends with it. `late` delays the answer to the next request only.
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

enum { REGISTERS = 200, LONGEST_LOG = 500, LONGEST_LINE = 4096 };

static modbus_mapping_t *image;
static int logged[LONGEST_LOG][3];
static int entries;
static int late_ms;

static void obey(char *line)
{
    char *word = strtok(line, " \n");
    if (word == NULL)
        return;
    if (strcmp(word, "set") == 0) {
        int at = atoi(strtok(NULL, " \n"));
        for (char *value; (value = strtok(NULL, " \n")) != NULL; at++)
            image->tab_registers[at] = image->tab_input_registers[at] = (uint16_t)atoi(value);
        printf("{\"answer\": null}\n");
    } else if (strcmp(word, "get") == 0) {
        int at = atoi(strtok(NULL, " \n")), count = atoi(strtok(NULL, " \n"));
        printf("{\"answer\": [");
        for (int i = 0; i < count; i++)
            printf("%s%d", i ? ", " : "", image->tab_registers[at + i]);
        printf("]}\n");
    } else if (strcmp(word, "zero") == 0) {
        memset(image->tab_registers, 0, REGISTERS * sizeof(uint16_t));
        memset(image->tab_input_registers, 0, REGISTERS * sizeof(uint16_t));
        printf("{\"answer\": null}\n");
    } else if (strcmp(word, "late") == 0) {
        late_ms = atoi(strtok(NULL, " \n"));
        printf("{\"answer\": null}\n");
    } else if (strcmp(word, "log") == 0) {
        printf("{\"answer\": [");
        for (int i = 0; i < entries; i++)
            printf("%s[%d, %d, %d]", i ? ", " : "", logged[i][0], logged[i][1], logged[i][2]);
        printf("]}\n");
        entries = 0;
    }
    fflush(stdout);
}

/* Answer one request; returns -1 when the peer is gone. */
static int answer(modbus_t *bus)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int length = modbus_receive(bus, query);
    if (length <= 0)
        return length;
    int head = modbus_get_header_length(bus);
    if (entries < LONGEST_LOG) {
        logged[entries][0] = query[head];
        logged[entries][1] = query[head + 1] << 8 | query[head + 2];
        logged[entries][2] = query[head + 3] << 8 | query[head + 4];
        entries++;
    }
    if (late_ms > 0) {
        usleep((useconds_t)late_ms * 1000);
        late_ms = 0;
    }
    int sent = modbus_reply(bus, query, length, image);
    memcpy(image->tab_input_registers, image->tab_registers, REGISTERS * sizeof(uint16_t));
    return sent;
}

int main(int count, char **words)
{
    if (count != 3)
        return 2;
    int tcp = strcmp(words[1], "tcp") == 0;
    modbus_t *bus = tcp ? modbus_new_tcp("127.0.0.1", atoi(words[2]))
                        : modbus_new_rtu(words[2], 115200, 'N', 8, 1);
    image = modbus_mapping_new(0, 0, REGISTERS, REGISTERS);
    if (bus == NULL || image == NULL || modbus_set_slave(bus, 1) < 0)
        return 1;
    int door = tcp ? modbus_tcp_listen(bus, 4) : -1;
    if (tcp ? door < 0 : modbus_connect(bus) < 0) {
        fprintf(stderr, "%s\n", modbus_strerror(errno));
        return 1;
    }
    printf(tcp ? "{\"port\": %s}\n" : "{\"port\": \"%s\"}\n", words[2]);
    fflush(stdout);

    fd_set watched;
    FD_ZERO(&watched);
    FD_SET(STDIN_FILENO, &watched);
    FD_SET(tcp ? door : modbus_get_socket(bus), &watched);
    char line[LONGEST_LINE];
    setvbuf(stdin, NULL, _IONBF, 0);
    for (;;) {
        fd_set ready = watched;
        if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0)
            return 1;
        for (int fd = 0; fd < FD_SETSIZE; fd++) {
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == STDIN_FILENO) {
                if (fgets(line, sizeof line, stdin) == NULL)
                    return 0;
                obey(line);
            } else if (fd == door) {
                int peer = modbus_tcp_accept(bus, &door);
                if (peer >= 0)
                    FD_SET(peer, &watched);
            } else {
                modbus_set_socket(bus, fd);
                if (answer(bus) < 0 && tcp) {
                    close(fd);
                    FD_CLR(fd, &watched);
                }
            }
        }
    }
}
