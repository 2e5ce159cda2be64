/* What ordinary programs do, one kind for each first argument: prints, allocates, reads a file; or ends badly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int allocate(size_t mebibytes)
{
    size_t size = mebibytes << 20, sum = 0;
    unsigned char *memory = calloc(1, size);
    if (!memory) {
        perror("calloc");
        return 1;
    }
    for (size_t at = 0; at < size; at += 4096)
        memory[at] = (unsigned char)(memory[at] + at / 4096);
    for (size_t at = 0; at < size; at += 4096)
        sum += memory[at];
    printf("%zu MiB, sum %zu\n", mebibytes, sum);
    free(memory);
    return 0;
}

static int read_file(const char *path)
{
    unsigned long long sum = 0, count = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 1;
    }
    for (int byte; (byte = getc(file)) != EOF; count++)
        sum = sum * 31 + (unsigned)byte;
    printf("%llu bytes, sum %llx\n", count, sum);
    return fclose(file) != 0;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    volatile int zero = 0;
    if (!strcmp(kind, "allocate") && argc == 3)
        return allocate((size_t)atoi(argv[2]));
    if (!strcmp(kind, "read") && argc == 3)
        return read_file(argv[2]);
    if (!strcmp(kind, "exit") && argc == 3)
        return atoi(argv[2]);
    if (!strcmp(kind, "null"))
        return *(volatile int *)(long)zero;
    if (!strcmp(kind, "divide"))
        return argc / zero;
    if (!strcmp(kind, "abort"))
        abort();
    printf("%g %s\n", 1.5 * argc, kind);
    return 2;
}
