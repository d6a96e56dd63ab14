// Command crds prints the CustomResourceDefinitions that Istio's own base chart installs.
package main

import (
	"io/fs"
	"log"
	"os"

	"istio.io/istio/manifests"
)

func main() {
	yaml, err := fs.ReadFile(manifests.FS, "charts/base/files/crd-all.gen.yaml")
	if err != nil {
		log.Fatalf("the Istio module holds no CRDs: %v", err)
	}
	if _, err := os.Stdout.Write(yaml); err != nil {
		log.Fatal(err)
	}
}
