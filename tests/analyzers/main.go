// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Istio's own analyzers on meshes that are given as text: those of `istioctl analyze`, unmodified.
//
// Standard input is a JSON list of meshes, each the YAML text of its objects. Standard output is a JSON list of the same
// length: of each mesh the messages, as {code, about, kind, namespace, name}. "about" is the first parameter of the
// message, which tells for IST0101 what kind of thing was not found.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/local"
)

type message struct {
	Code      string `json:"code"`
	About     string `json:"about"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func analyze(text string) ([]message, error) {
	analyzer := local.NewIstiodAnalyzer(analyzers.AllCombined(), "", "istio-system", nil)
	source := local.ReaderSource{Name: "mesh.yaml", Reader: strings.NewReader(text)}
	if err := analyzer.AddTestReaderKubeSource([]local.ReaderSource{source}); err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	defer close(stop)
	result, err := analyzer.Analyze(stop)
	if err != nil {
		return nil, err
	}
	found := []message{}
	for _, one := range result.Messages {
		name := one.Resource.Metadata.FullName
		kind := one.Resource.Metadata.Schema.Kind()
		about := ""
		if len(one.Parameters) > 0 {
			about = fmt.Sprint(one.Parameters[0])
		}
		found = append(found, message{one.Type.Code(), about, kind, name.Namespace.String(), name.Name.String()})
	}
	return found, nil
}

func run() error {
	var meshes []string
	if err := json.NewDecoder(os.Stdin).Decode(&meshes); err != nil {
		return err
	}
	all := [][]message{}
	for number, text := range meshes {
		found, err := analyze(text)
		if err != nil {
			return fmt.Errorf("mesh %d: %w", number, err)
		}
		all = append(all, found)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
