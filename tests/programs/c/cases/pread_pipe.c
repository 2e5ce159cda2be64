// Reads and writes at positions of what has none, and the order of other checks.
#define _GNU_SOURCE
#include <stdio.h>
#include <fcntl.h>
#include <errno.h>
#include <unistd.h>
#include <sys/uio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#define T(x) do{errno=0; long r=(long)(x); printf("%-44s %ld %d\n",#x,r<-1?-2:r,r<0?errno:0);}while(0)
int main(){ int p[2]; pipe(p); char b[8]={0}; struct iovec v={b,8};
  T(pread(p[1],b,1,0)); T(pwrite(p[0],b,1,0)); T(pread(p[0],b,1,-1)); T(read(p[1],b,1)); T(write(p[0],b,1)); T(preadv(p[1],&v,1,0)); T(pread(99,b,1,-1));
  T(read(p[0],0,0)); T(write(p[1],0,0)); T(readv(p[0],&v,0)); T(readv(p[0],&v,-1)); T(readv(p[0],&v,1025)); T(writev(p[1],0,1));
  int d=open("/",O_RDONLY); T(read(d,b,1)); T(read(d,0,0)); T(pread(d,b,1,0)); T(lseek(p[0],0,0)); T(lseek(d,0,9)); T(ftruncate(p[1],0)); T(ftruncate(d,0)); T(fsync(p[0]));
  int f=open("/tmp/pp_x",O_CREAT|O_RDWR|O_TRUNC,0600); T(lseek(f,-1,SEEK_SET)); T(lseek(f,5,SEEK_DATA)); T(write(f,"abc",3)); T(lseek(f,0,SEEK_HOLE)); T(lseek(f,3,SEEK_DATA)); T(pwrite(f,b,1,-1)); T(pread(f,b,1,1L<<62)); T(ftruncate(f,-1)); T(pwrite(f,"a",1,(1L<<63)-1)); 
  T(dup2(f,-1)); T(dup2(f,1<<20)); T(dup3(f,f,0)); T(fcntl(f,F_DUPFD,-1)); T(fcntl(f,F_DUPFD,1<<30)); T(fcntl(f,9999)); T(fcntl(f,F_SETFL,O_APPEND)); T(pwrite(f,"zz",2,0)); T(lseek(f,0,SEEK_END));
  T(sendfile(p[1],d,0,10)); off_t o=0; T(sendfile(p[1],f,&o,2)); T(sendfile(f,f,&o,1)); T(copy_file_range(f,0,p[1],0,1,0)); T(close(-1)); T(mmap(0,4096,PROT_READ,MAP_PRIVATE,p[0],0)==MAP_FAILED?-1:0); T(mmap(0,4096,PROT_READ,MAP_PRIVATE,d,0)==MAP_FAILED?-1:0); T(mmap(0,4096,PROT_READ,0,-1,0)==MAP_FAILED?-1:0); T(mmap(0,4096,1,MAP_PRIVATE|MAP_ANONYMOUS,-1,1)==MAP_FAILED?-1:0); T(mmap(0,0,1,MAP_PRIVATE|MAP_ANONYMOUS,-1,0)==MAP_FAILED?-1:0); unlink("/tmp/pp_x"); }
