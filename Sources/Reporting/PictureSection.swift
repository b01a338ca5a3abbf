/// The pictures, each in a frame in which it can be moved, enlarged and searched.
struct PictureSection {
    let pictures: [ReportPicture]

    var html: HTML? {
        guard !pictures.isEmpty else { return nil }
        let figures: [HTML] = pictures.map { picture in
            """
            <figure class="viewer"><h3>\(picture.title)</h3>
            <div class="tools"><input type="search" placeholder="find a layer" \
            aria-label="find a layer in \(picture.title)">
            <output></output>
            <label>colour <select><option value="">kind</option><option value="time">time</option>\
            <option value="error">error</option></select></label>
            <button type="button" data-zoom="1.25" title="larger">+</button>
            <button type="button" data-zoom="0.8" title="smaller">−</button>
            <button type="button" data-zoom="0" title="all of it">fit</button></div>
            <div class="canvas" tabindex="0" role="group" \
            aria-label="picture of \(picture.title)">\(HTML(trusted: picture.svg))</div>
            <figcaption>\(picture.caption)</figcaption></figure>

            """
        }
        return """
            <section id="pictures"><h2>Pictures</h2>
            <p class="hint">The wheel zooms, dragging moves; a click on a box shows its layer in the table.
            Colours show the kind of box, its share of the time, or the error that has come together there: the darker on
            white, and the brighter on black, the more.</p>
            \(figures)</section>

            """
    }
}
