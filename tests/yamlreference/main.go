// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What sigs.k8s.io/yaml, which kubectl and the API server read with, makes of documents.
//
// Standard input is one JSON string a line, a document each. Standard output is one line for each of them:
// {"value": <JSON>} or {"error": "..."}, and "strict": true where only the strict reading refuses it, which takes a key
// that is given twice for an error.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

type answer struct {
	Value  json.RawMessage `json:"value,omitempty"`
	Error  string          `json:"error,omitempty"`
	Strict bool            `json:"strict,omitempty"`
}

func read(text string) (found answer) {
	// A document that makes the reader panic is one that it does not take.
	defer func() {
		if problem := recover(); problem != nil {
			found = answer{Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	value, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return answer{Error: err.Error()}
	}
	_, err = yaml.YAMLToJSONStrict([]byte(text))
	return answer{Value: value, Strict: err != nil}
}

func run() error {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	decoder := json.NewDecoder(lines)
	encoder := json.NewEncoder(out)
	for decoder.More() {
		var text string
		if err := decoder.Decode(&text); err != nil {
			return err
		}
		if err := encoder.Encode(read(text)); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
