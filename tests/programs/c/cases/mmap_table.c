// mmap, mremap, munmap, mprotect, madvise, msync, mincore, mlock: all combinations of ordinary and extreme arguments, as a checksum of
// the answers for each row; the answers themselves of the row that an argument names.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define P 4096UL
#define N(a) (sizeof(a) / sizeof((a)[0]))
#define BASE 0x200000000000UL
#define AREA (64 * P)

static const char *wanted;
static struct {
  const char *what;
  int index;
  long answer;
} notes[100000];
static unsigned long sum, count;
static char vector[256];

static void note(const char *what, long answer, int index) {
  if (count < N(notes)) {
    notes[count].what = what;
    notes[count].index = index;
    notes[count].answer = answer;
  }
  count++;
  sum = sum * 31 + (unsigned long)answer;
}

static void row(const char *name) {
  printf("%-40s %016lx\n", name, sum);
  for (unsigned long i = 0; wanted && !strcmp(wanted, name) && i < count && i < N(notes); i++)
    printf("  %s %d: %ld\n", notes[i].what, notes[i].index, notes[i].answer);
  sum = count = 0;
}

// Addresses within the area as numbers from its start, others as what they are; errors as negative numbers.
static long told(long r) {
  if (r == -1)
    return -errno;
  if ((unsigned long)r - BASE < AREA)
    return r - BASE;
  return (unsigned long)r > BASE ? 1 : r;
}

// The area: two mappings, a hole, a read-only one, a shared one, a locked one, PROT_NONE, and a file of half its length.
static int file, readonly, writeonly, directory, pipes[2], place;
static void at(unsigned long page, unsigned long pages, int prot, int flags, int fd) {
  if (mmap((void *)(BASE + page * P), pages * P, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED)
    perror("area"), exit(1);
}
static void area(void) {
  munmap((void *)BASE, AREA);
  at(4, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  at(8, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  at(12, 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
  at(14, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  mlock((void *)(BASE + 14 * P), 2 * P);
  at(16, 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  at(18, 4, PROT_READ | PROT_WRITE, MAP_SHARED, file);
  at(22, 2, PROT_READ, MAP_SHARED, readonly);
  at(24, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
}

static void maps(void) {
  int fds[] = {-1, 99, file, readonly, writeonly, directory, pipes[0], place};
  unsigned long addresses[] = {0, BASE + 32 * P, BASE + 32 * P + 1, BASE + 4 * P, 0x7ffffffff000, BASE + 62 * P, 0xffff800000000000, -P};
  unsigned long lengths[] = {0, 1, P, 2 * P, 0x7ffffffff000, 0x800000000000, -P, -1UL};
  unsigned long offsets[] = {0, 1, P, 0x7ffffffffffff000, 0xfffffffffffff000};
  int kinds[] = {0, 1, 2, 3, 4, 9, 15};
  int flags[] = {0, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED | MAP_ANONYMOUS, MAP_FIXED_NOREPLACE | MAP_ANONYMOUS, MAP_GROWSDOWN,
                 MAP_GROWSDOWN | MAP_ANONYMOUS, MAP_ANONYMOUS | 0x4000000, 0x80000000, MAP_HUGETLB, MAP_SYNC, MAP_NORESERVE | MAP_ANONYMOUS};
  int prots[] = {0, PROT_READ, PROT_READ | PROT_WRITE, 7, PROT_WRITE, 0x78};
  for (unsigned f = 0; f < N(fds); f++) {
    for (unsigned l = 0; l < N(flags); l++) {
      for (unsigned k = 0; k < N(kinds); k++)
        for (unsigned a = 0; a < N(addresses); a++)
          for (unsigned n = 0; n < N(lengths); n++)
            for (unsigned o = 0; o < N(offsets); o++)
              for (unsigned p = 0; p < N(prots); p++) {
                // Only user 0 with all capabilities may map page 0.
                if (a == 0 && flags[l] & (MAP_FIXED | MAP_FIXED_NOREPLACE))
                  continue;
                if ((f || l) && n > 3 && (o > 1 || p > 1))
                  continue;
                long r = syscall(SYS_mmap, addresses[a], lengths[n], prots[p], kinds[k] | flags[l], fds[f], offsets[o]);
                long t = told(r);
                if (r != -1) {
                  munmap((void *)r, lengths[n]);
                  if (addresses[a] == BASE + 4 * P)
                    area();
                  else if (!(flags[l] & MAP_FIXED) && t >= 0 && t != (long)(addresses[a] - BASE))
                    t = 1;
                }
                note("mmap", t, (((((int)k * 8 + a) * 8 + n) * 5 + o) * 6 + p));
              }
      char name[64];
      sprintf(name, "mmap file %u flags %x", f, flags[l]);
      row(name);
    }
  }
}

static unsigned long starts[] = {0,           BASE + P,     BASE + 4 * P,  BASE + 5 * P,  BASE + 5 * P + 1, BASE + 8 * P,  BASE + 9 * P,
                                 BASE + 12 * P, BASE + 14 * P, BASE + 16 * P, BASE + 18 * P, BASE + 21 * P,    BASE + 22 * P, BASE + 24 * P,
                                 BASE + 25 * P, 0x7ffffffff000, 0xffff800000000000, -P};
static unsigned long sizes[] = {0, 1, P, 2 * P, 3 * P, 4 * P, 6 * P, 9 * P, 22 * P, 1UL << 60, -P, -1UL};

// What is left of the area: mapped or not, page by page.
static void shape(void) {
  for (int i = 0; i < 64; i++)
    note("page", mincore((void *)(BASE + i * P), P, (void *)vector) == 0 ? 2 : 0, i);
}

static void remaps(void) {
  int flags[] = {0, 1, 2, 3, 4, 5, 7, 8};
  unsigned long targets[] = {0, BASE + 40 * P, BASE + 40 * P + 1, BASE + 5 * P, BASE + 20 * P, 0x7ffffffff000, -P};
  unsigned long olds[] = {0, 1, P, 2 * P, 4 * P, 6 * P, 9 * P, -P}, news[] = {0, 1, P, 2 * P, 3 * P, 6 * P, 1UL << 60, -1UL};
  for (unsigned l = 0; l < N(flags); l++)
    for (unsigned s = 0; s < N(starts); s++) {
      for (unsigned o = 0; o < N(olds); o++)
        for (unsigned n = 0; n < N(news); n++)
          for (unsigned t = 0; t < N(targets); t++) {
            if (t && !(flags[l] & 6))
              continue;
            // Page 0 is for who has all capabilities; a range without end fails after the target has gone.
            if ((flags[l] & 2) && (t == 0 || olds[o] == -P))
              continue;
            if (flags[l] == 4 || flags[l] == 5)
              if (t == 3 || t == 4)
                continue;
            long r = syscall(SYS_mremap, starts[s], olds[o], news[n], flags[l], targets[t]);
            note("mremap", told(r), ((int)o * 8 + n) * 8 + t);
            if (r != -1) {
              if ((unsigned long)r - BASE >= AREA)
                munmap((void *)r, news[n]);
              shape();
              area();
            } else if (flags[l] & 2) {
              shape();
              area();
            }
          }
      char name[64];
      sprintf(name, "mremap flags %d start %u", flags[l], s);
      row(name);
    }
}

static void protects(void) {
  int prots[] = {0, 1, 2, 3, 5, 7, 8, 16, 0x1000000, 0x1000001, 0x2000001, 0x3000001};
  for (unsigned p = 0; p < N(prots); p++) {
    for (unsigned s = 0; s < N(starts); s++)
      for (unsigned n = 0; n < N(sizes); n++) {
        long r = syscall(SYS_mprotect, starts[s], sizes[n], prots[p]);
        note("mprotect", told(r), s * 12 + n);
        area();
      }
    char name[64];
    sprintf(name, "mprotect %x", prots[p]);
    row(name);
  }
}

static void ranges(void) {
  for (int advice = -1; advice < 27; advice++) {
    // What a kernel may be built without: holes in files, merging, hardware errors, and collapsing.
    if (advice == 9 || advice == 12 || advice == 13 || advice == 25)
      continue;
    for (unsigned s = 0; s < N(starts); s++)
      for (unsigned n = 0; n < N(sizes); n++) {
        // Advice on all memory would take the program's own away.
        if (sizes[n] == 1UL << 60 || (starts[s] == 0 && sizes[n] == -P))
          continue;
        long r = syscall(SYS_madvise, starts[s], sizes[n], advice);
        note("madvise", told(r), s * 12 + n);
        if (advice > 3)
          area();
      }
    char name[64];
    sprintf(name, "madvise %d", advice);
    row(name);
  }
  for (int flags = -1; flags < 9; flags++) {
    for (unsigned s = 0; s < N(starts); s++)
      for (unsigned n = 0; n < N(sizes); n++)
        note("msync", told(syscall(SYS_msync, starts[s], sizes[n], flags)), s * 12 + n);
    char name[64];
    sprintf(name, "msync %d", flags);
    row(name);
  }
  int calls[] = {SYS_munmap, SYS_mlock, SYS_munlock, SYS_mlock2};
  for (unsigned c = 0; c < N(calls); c++) {
    for (int extra = 0; extra < (calls[c] == SYS_mlock2 ? 3 : 1); extra++)
      for (unsigned s = 0; s < N(starts); s++)
        for (unsigned n = 0; n < N(sizes); n++) {
          note("call", told(syscall(calls[c], starts[s], sizes[n], extra)), s * 12 + n);
          if (calls[c] != SYS_munmap)
            note("locked", told(syscall(SYS_madvise, BASE + 4 * P, 4 * P, MADV_PAGEOUT)), s * 12 + n);
          else
            shape();
          area();
        }
    char name[64];
    sprintf(name, "call %u", c);
    row(name);
  }
}

static void cores(void) {
  void *outs[] = {vector, 0, (void *)(BASE + 8 * P), (void *)(BASE + 2 * P), (void *)-P};
  for (unsigned o = 0; o < N(outs); o++) {
    for (unsigned s = 0; s < N(starts); s++)
      for (unsigned n = 0; n < N(sizes); n++) {
        memset(vector, 7, sizeof vector);
        note("mincore", told(syscall(SYS_mincore, starts[s], sizes[n], outs[o])), s * 12 + n);
        for (int i = 0; i < 32; i++)
          note("core", vector[i], i);
      }
    char name[64];
    sprintf(name, "mincore %u", o);
    row(name);
  }
}

int main(int argc, char **argv) {
  wanted = argv[1];
  file = memfd_create("table", 0);
  if (ftruncate(file, 2 * P) || pwrite(file, "x", 1, 0) != 1)
    return 1;
  char name[64];
  sprintf(name, "/proc/self/fd/%d", file);
  readonly = open(name, O_RDONLY);
  writeonly = open(name, O_WRONLY);
  place = open(name, O_PATH);
  directory = open("/", O_RDONLY);
  if (pipe(pipes) || readonly < 0 || writeonly < 0 || place < 0)
    return 2;
  area();
  maps();
  remaps();
  protects();
  ranges();
  cores();
  return 0;
}
