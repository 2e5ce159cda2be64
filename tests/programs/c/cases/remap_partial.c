// mremap over several mappings: what it shrinks, and what it leaves alone when it fails.
#define _GNU_SOURCE
#include <stdio.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#define P 4096
static int mapped(void *a){ unsigned char v; return mincore(a,P,&v)==0; }
int main(){
  char *base=mmap(0,64*P,PROT_NONE,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); munmap(base,64*P);
  char *a=mmap(base,4*P,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,-1,0);
  mprotect(a+P,P,PROT_READ); // three areas
  char *t=mmap(base+16*P,4*P,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,-1,0);
  void *r=mremap(a,4*P,3*P,MREMAP_MAYMOVE|MREMAP_FIXED,t);
  printf("fixed over areas: %s errno %d\n", r==MAP_FAILED?"fails":"moves", r==MAP_FAILED?errno:0);
  printf("old:"); for(int i=0;i<4;i++) printf(" %d",mapped(a+i*P)); printf("\n");
  printf("target:"); for(int i=0;i<4;i++) printf(" %d",mapped(t+i*P)); printf("\n");
  a=mmap(base,4*P,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,-1,0); mprotect(a+P,P,PROT_READ);
  r=mremap(a,4*P,2*P,0); printf("plain shrink over areas: %s\n", r==MAP_FAILED?"fails":"same");
  printf("old:"); for(int i=0;i<4;i++) printf(" %d",mapped(a+i*P)); printf("\n");
  r=mremap(a,2*P,8*P,MREMAP_MAYMOVE); printf("grow over areas: errno %d\n", r==MAP_FAILED?errno:0);
  r=mremap(a,P,0,0); printf("to nothing: errno %d\n", r==MAP_FAILED?errno:0);
  r=mremap(a+1,P,P,0); printf("odd address: errno %d\n", r==MAP_FAILED?errno:0);
  r=mremap(a,P,P,MREMAP_FIXED|MREMAP_MAYMOVE,a); printf("onto itself: errno %d\n", r==MAP_FAILED?errno:0);
  r=mremap(a,0,P,MREMAP_MAYMOVE); printf("private, old size 0: errno %d\n", r==MAP_FAILED?errno:0);
  char *s=mmap(0,P,PROT_READ|PROT_WRITE,MAP_SHARED|MAP_ANONYMOUS,-1,0); s[0]=7;
  char *d=mremap(s,0,P,MREMAP_MAYMOVE); printf("shared, old size 0: %s %d\n", d==MAP_FAILED?"fails":"twin", d==MAP_FAILED?errno:d[0]);
  char *n=mmap(0,2*P,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); n[0]=9;
  char *m=mremap(n,2*P,2*P,MREMAP_MAYMOVE|4/*DONTUNMAP*/,0); printf("dontunmap: %s", m==MAP_FAILED?"fails":"moves"); if(m!=MAP_FAILED) printf(" %d %d",m[0],n[0]); printf(" errno %d\n", m==MAP_FAILED?errno:0);
}
