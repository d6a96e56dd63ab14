// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"net/http"
	"strconv"
	"time"
)

// Bookinfo's back ends, with the JSON of Istio's sample application.

type object = map[string]any

func details(*app) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(writer http.ResponseWriter, _ *http.Request) {
		writeJSON(writer, http.StatusOK, object{"status": "Details is healthy"})
	})
	mux.HandleFunc("/details/{id}", func(writer http.ResponseWriter, asked *http.Request) {
		id, err := strconv.Atoi(asked.PathValue("id"))
		if err != nil {
			writeJSON(writer, http.StatusBadRequest, object{"error": "please provide numeric product id"})
			return
		}
		writeJSON(writer, http.StatusOK, object{
			"id": id, "author": "William Shakespeare", "year": 1595, "type": "paperback", "pages": 200,
			"publisher": "PublisherA", "language": "English", "ISBN-10": "1234567890", "ISBN-13": "123-1234567890",
		})
	})
	return mux
}

func ratings(*app) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(writer http.ResponseWriter, _ *http.Request) {
		writeJSON(writer, http.StatusOK, object{"status": "Ratings is healthy"})
	})
	mux.HandleFunc("/ratings/{id}", func(writer http.ResponseWriter, asked *http.Request) {
		id, err := strconv.Atoi(asked.PathValue("id"))
		if err != nil {
			writeJSON(writer, http.StatusBadRequest, object{"error": "please provide numeric product ID"})
			return
		}
		writeJSON(writer, http.StatusOK, object{"id": id, "ratings": object{"Reviewer1": 5, "Reviewer2": 4}})
	})
	return mux
}

// colours of the stars by version of reviews; v1 shows none.
var colours = map[string]string{"v2": "black", "v3": "red"}

type review struct {
	Reviewer string `json:"reviewer"`
	Text     string `json:"text"`
	Rating   object `json:"rating,omitempty"`
}

type reviewList struct {
	ID          string   `json:"id"`
	PodName     string   `json:"podname"`
	ClusterName string   `json:"clustername"`
	Reviews     []review `json:"reviews"`
}

func reviews(self *app) http.Handler {
	colour := self.setting("STAR_COLOR", colours[self.spec.Version])
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(writer http.ResponseWriter, _ *http.Request) {
		writeJSON(writer, http.StatusOK, object{"status": "Reviews is healthy"})
	})
	mux.HandleFunc("/reviews/{id}", func(writer http.ResponseWriter, asked *http.Request) {
		id := asked.PathValue("id")
		answer := reviewList{ID: id, PodName: self.spec.Pod, ClusterName: self.spec.Cluster, Reviews: []review{
			{Reviewer: "Reviewer1", Text: "Two pairs of twins and not a dull minute. Shakespeare at his lightest!"},
			{Reviewer: "Reviewer2", Text: "Great fun throughout, though his later comedies go deeper."},
		}}
		if colour != "" {
			for index, stars := range self.stars(asked, id) {
				answer.Reviews[index].Rating = rating(stars, colour)
			}
		}
		writer.Header().Set("Content-Language", "en-US")
		writeJSON(writer, http.StatusOK, answer)
	})
	return mux
}

// stars asks ratings for the stars of both reviewers; -1 where it gives none.
func (a *app) stars(asked *http.Request, id string) [2]int {
	var found struct {
		Ratings map[string]int `json:"ratings"`
	}
	timeout := 10 * time.Second
	if a.spec.Version == "v2" {
		timeout = 2500 * time.Millisecond // v2 of the sample is the impatient one
	}
	host := a.setting("RATINGS_HOSTNAME", "ratings") + ":" + a.setting("RATINGS_SERVICE_PORT_HTTP", "9080")
	status, err := a.get(asked, "http://"+host+"/ratings/"+id, a.forwarded(asked), timeout, &found)
	result := [2]int{-1, -1}
	if err != nil || status != http.StatusOK {
		return result
	}
	for index, reviewer := range []string{"Reviewer1", "Reviewer2"} {
		if stars, rated := found.Ratings[reviewer]; rated {
			result[index] = stars
		}
	}
	return result
}

func rating(stars int, colour string) object {
	if stars < 0 {
		return object{"error": "Ratings service is currently unavailable"}
	}
	return object{"stars": stars, "color": colour}
}
